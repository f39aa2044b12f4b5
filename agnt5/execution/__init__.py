"""Drives runs: the host loop, the flow loop, the driver and the scopes that code speaks through.

Nothing here is public. Of all the packages only this one, `runtime`, `worker`, `client` and `cli` know the Rust core.
"""

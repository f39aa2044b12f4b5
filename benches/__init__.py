"""Numbers that mean something: each is a ratio to a floor or a peer measured in the same run, on the same disk."""

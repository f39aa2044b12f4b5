//! Compiles `protos/agnt5/v1/journal.proto` with protox, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../protos";
    println!("cargo:rerun-if-changed={root}");
    let files = protox::compile(["agnt5/v1/journal.proto"], [root])?;
    prost_build::Config::new().bytes(["."]).compile_fds(files)?;
    Ok(())
}

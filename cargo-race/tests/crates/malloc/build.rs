//! Compiles the C, as the crates do that bring an allocator.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let object = out.join("malloc.o");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Werror", "-fPIC", "-fno-builtin", "-c", "malloc.c", "-o"]);
    assert!(cc.arg(&object).status().unwrap().success());
    println!("cargo::rerun-if-changed=malloc.c");
    println!("cargo::rustc-link-arg={}", object.display());
}

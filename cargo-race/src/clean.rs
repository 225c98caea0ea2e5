//! `cargo race clean`: removes what was prepared and what was built.

use std::fs;

use anyhow::Context;

use crate::arguments::Said;
use crate::cache::Cache;
use crate::cargo::cargo;
use crate::progress::say;
use crate::project::Project;

/// Remove what was prepared, and what was built of the crate in this folder
///
/// Everything is made again when it is needed. Without options, both.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the cache: the instrumented std and the runtime, of all toolchains
    #[arg(long, conflicts_with = "target")]
    cache: bool,
    /// Only the crate's target folder for checked programs
    #[arg(long)]
    target: bool,
    /// The crate's `Cargo.toml`
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<std::ffi::OsString>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if !args.target {
        let cache = Cache::open()?;
        let bytes: u64 = cache.entries()?.iter().map(|(_, bytes)| bytes).sum();
        cache.clear()?;
        let mebibytes = bytes >> 20;
        let folder = cache.folder().display();
        say("Removed", &format!("{folder}: {mebibytes} MiB"));
    }
    if !args.cache {
        remove_built(args)?;
    }
    Ok(())
}

fn remove_built(args: &Args) -> anyhow::Result<()> {
    let said = Said {
        manifest_path: args.manifest_path.clone(),
        ..Said::default()
    };
    // Outside of a crate there is nothing to remove, and nobody has to be told.
    let asked = args.target || args.manifest_path.is_some();
    if !asked && !is_in_crate() {
        return Ok(());
    }
    let folder = Project::find(&cargo(), &said)?.target_dir;
    // Cargo marks its target folders so.
    if folder.join("CACHEDIR.TAG").is_file() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        say("Removed", &folder.display().to_string());
    }
    Ok(())
}

fn is_in_crate() -> bool {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors()
        .any(|folder| folder.join("Cargo.toml").is_file())
}

//! The compiler's flags: those that instrument a crate, and those of the user's, which stay.
//!
//! Cargo takes flags from one place only: `CARGO_ENCODED_RUSTFLAGS`, else `RUSTFLAGS`, else `target.*.rustflags`, else `build.rustflags`. Ours are put behind
//! those that it would have taken, all in the first place. `--config` on cargo's command line isn't seen by `cargo-config2`: its part is here.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use cargo_config2::{Config, Flags};
use toml::{Table, Value};

use crate::allocator;

/// What instruments, after all optimisation: every function is marked, then every access in one that is marked is announced.
pub(crate) const PASSES: &str = "forceattrs,tsan-module,function(tsan)";
/// LLVM's option for the mark.
pub(crate) const FORCED_ATTRIBUTE: &str = "force-attribute=sanitize_thread";

/// LLVM's option that has volatile accesses announced as such, each of them.
pub(crate) const DISTINGUISHED: &str = "tsan-distinguish-volatile";

/// The option that takes the mark from a function again.
pub(crate) fn without_attribute(function: &str) -> String {
    format!("force-remove-attribute={function}:sanitize_thread")
}
/// Has the crate `racecheck`, in a program that uses it, leave to the runtime what is the runtime's.
const LIBRARY: &str = "racecheck_runtime";

/// The environment variable for flags of rustc's or rustdoc's that cargo looks at first.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tool {
    Rustc,
    Rustdoc,
}

impl Tool {
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Rustc => "CARGO_ENCODED_RUSTFLAGS",
            Self::Rustdoc => "CARGO_ENCODED_RUSTDOCFLAGS",
        }
    }

    fn plain_variable(self) -> &'static str {
        match self {
            Self::Rustc => "RUSTFLAGS",
            Self::Rustdoc => "RUSTDOCFLAGS",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Rustc => "rustflags",
            Self::Rustdoc => "rustdocflags",
        }
    }
}

/// The flags that instrument.
pub(crate) fn ours(sysroot: &Path, runtime: &Path, tool: Tool) -> anyhow::Result<Vec<String>> {
    let utf8 = |path: &Path| -> anyhow::Result<String> {
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| format!("{}: not UTF-8, as cargo's flags must be", path.display()))
    };
    let mut flags = vec![
        format!("--sysroot={}", utf8(sysroot)?),
        format!("-Cpasses={PASSES}"),
        format!("-Cllvm-args=-{FORCED_ATTRIBUTE}"),
        format!("-Cllvm-args=-{DISTINGUISHED}"),
        format!("-Clink-arg={}", utf8(runtime)?),
        // What libc has in an archive (`pthread_atfork`), GNU's linkers take only for those that come before.
        "-Clink-arg=-lc".to_owned(),
        format!("--cfg={LIBRARY}"),
    ];
    for function in allocator::wrapped(runtime)? {
        // Inlined, it couldn't be put behind another.
        flags.push(format!("-Cllvm-args=-force-attribute={function}:noinline"));
        flags.push(format!("-Clink-arg=-Wl,--wrap={function}"));
    }
    if tool == Tool::Rustdoc {
        // No profile reaches doctests.
        flags.push("-Cdebuginfo=limited".to_owned());
    }
    Ok(flags)
}

/// Fails if the user has chosen a linker that won't do.
pub(crate) fn check_linker(
    config: &Config,
    command_line: &[Table],
    host: &str,
) -> anyhow::Result<()> {
    let flags = theirs(config, command_line, host, Tool::Rustc)?;
    ensure!(
        !flags.flags.iter().any(|flag| flag.contains("fuse-ld=gold")),
        "-fuse-ld=gold: gold leaves constructors out that a checked program needs: use rust-lld, GNU ld or mold",
    );
    Ok(())
}

/// The user's flags, then ours, as the value of the tool's variable.
pub(crate) fn joined(
    config: &Config,
    command_line: &[Table],
    host: &str,
    tool: Tool,
    ours: Vec<String>,
) -> anyhow::Result<String> {
    let mut flags = theirs(config, command_line, host, tool)?;
    flags.flags.extend(ours);
    let encoded = flags.encode();
    encoded.with_context(|| format!("the flags for {}", tool.variable()))
}

/// The flags that cargo would have used.
fn theirs(
    config: &Config,
    command_line: &[Table],
    host: &str,
    tool: Tool,
) -> anyhow::Result<Flags> {
    let (resolved, of_build) = match tool {
        Tool::Rustc => (config.rustflags(host), &config.build.rustflags),
        Tool::Rustdoc => (config.rustdocflags(host), &config.build.rustdocflags),
    };
    let resolved = resolved.with_context(|| format!("cargo's configuration: {}", tool.key()))?;
    let variables = [tool.variable(), tool.plain_variable()];
    if variables.iter().any(|v| env::var_os(v).is_some()) {
        return Ok(resolved.unwrap_or_default());
    }
    let given = |table: &dyn Fn(&Table) -> Option<&Value>| -> Vec<String> {
        let tables = command_line.iter().filter_map(table);
        let values = tables.filter_map(|table| table.get(tool.key()));
        values.flat_map(words).collect()
    };
    let for_target = given(&|table| table.get("target")?.get(host));
    let for_all = given(&|table| table.get("build"));
    let all_only = resolved.is_none() || resolved == *of_build;
    let mut flags = resolved.unwrap_or_default();
    if !for_target.is_empty() {
        if all_only {
            flags = Flags::default();
        }
        flags.flags.extend(for_target);
    } else if all_only {
        flags.flags.extend(for_all);
    }
    Ok(flags)
}

/// Flags as a configuration has them: a list, or a text with spaces between them.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(flags) => flags
            .iter()
            .filter_map(|flag| flag.as_str().map(str::to_owned))
            .collect(),
        Value::String(flags) => flags.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What `--config` gives: a file, or one setting.
pub(crate) fn command_line(arguments: &[String]) -> anyhow::Result<Vec<Table>> {
    let read = |argument: &String| {
        let file = Path::new(argument);
        let text = if file.is_file() {
            fs::read_to_string(file).with_context(|| argument.clone())?
        } else {
            argument.clone()
        };
        let table = text.parse::<Table>();
        table.with_context(|| format!("--config {argument}"))
    };
    arguments.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use cargo_config2::ResolveOptions;

    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    /// The flags with `config` as the configuration, on a command line with `--config` before each of `settings`.
    fn flags(config: &str, settings: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
        let options = ResolveOptions::default()
            .env([("PATH", "")])
            .cargo_home(None);
        let config = Config::load_with_options(folder.path(), options).unwrap();
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        let tables = command_line(&settings).unwrap();
        let ours = vec!["-ours".to_owned()];
        let joined = joined(&config, &tables, HOST, Tool::Rustc, ours).unwrap();
        joined.replace('\u{1f}', " ")
    }

    const BUILD: &str = "build.rustflags = '-b1 -b2'\n";
    const TARGET: &str = "[target.x86_64-unknown-linux-gnu]\nrustflags = ['-t1', '-t2']\n";
    const LINE_TARGET: &str = "target.x86_64-unknown-linux-gnu.rustflags='-T'";
    const LINE_BUILD: &str = "build.rustflags=['-B']";

    #[test]
    fn ours_come_behind_those_that_cargo_would_have_taken() {
        assert_eq!(flags("", &[]), "-ours");
        assert_eq!(flags(BUILD, &[]), "-b1 -b2 -ours");
        assert_eq!(flags(TARGET, &[]), "-t1 -t2 -ours");
        let both = [BUILD, TARGET].concat();
        assert_eq!(flags(&both, &[]), "-t1 -t2 -ours");
    }

    #[test]
    fn the_command_lines_configuration_counts() {
        assert_eq!(flags("", &[LINE_BUILD]), "-B -ours");
        assert_eq!(flags(BUILD, &[LINE_BUILD]), "-b1 -b2 -B -ours");
        assert_eq!(flags(TARGET, &[LINE_BUILD]), "-t1 -t2 -ours");
        assert_eq!(flags(BUILD, &[LINE_TARGET]), "-T -ours");
        assert_eq!(
            flags(TARGET, &[LINE_TARGET, LINE_BUILD]),
            "-t1 -t2 -T -ours"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("more.toml");
        fs::write(&file, "[build]\nrustflags = '-F'").unwrap();
        assert_eq!(flags(BUILD, &[file.to_str().unwrap()]), "-b1 -b2 -F -ours");
        assert!(command_line(&["no.such = file =".to_owned()]).is_err());
    }
}

//! Names from the cluster, for the completion of command lines by a shell.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use kube::ResourceExt;
use kube::api::ListParams;

use super::cluster::{Access, ClusterFlags, Failure, Kind};

/// Maximum time that a shell waits for names.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the completer for names of keys. It is silent if the cluster cannot be asked.
pub(super) fn key_names() -> ArgValueCompleter {
    names(Kind::Keys)
}

/// Returns the completer for names of tenants. It is silent if the cluster cannot be asked.
pub(super) fn tenant_names() -> ArgValueCompleter {
    names(Kind::Tenants)
}

/// Returns the completer for names of keys or, if `--tenant` is given, of tenants.
pub(super) fn key_or_tenant_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let is_tenant = words().any(|word| word == "--tenant");
        candidates(current, if is_tenant { Kind::Tenants } else { Kind::Keys })
    })
}

/// Returns the completer for names of keys, and for files.
pub(super) fn key_names_and_files() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let files = PathCompleter::any().complete(current);
        candidates(current, Kind::Keys).into_iter().chain(files).collect::<Vec<_>>()
    })
}

fn names(kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| candidates(current, kind))
}

fn candidates(current: &OsStr, kind: Kind) -> Vec<CompletionCandidate> {
    let beginning = current.to_string_lossy();
    let names = list_names(kind).unwrap_or_default().into_iter().filter(|name| name.starts_with(&*beginning));
    names.map(CompletionCandidate::new).collect()
}

/// Returns the words of the command line, which the shell passes after a mark.
fn words() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip_while(|word| word != "--").skip(1)
}

/// Lists the objects of a kind: all, or those of the namespace that the command line chooses. Returns none if that fails.
fn list_names(kind: Kind) -> Option<Vec<String>> {
    let command = ClusterFlags::augment_args(Command::new("almkey").no_binary_name(true));
    let words = options(&command, words());
    let flags = ClusterFlags::from_arg_matches(&command.try_get_matches_from(words).ok()?).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async { tokio::time::timeout(TIMEOUT, list(flags, kind)).await.ok()?.ok() })
}

/// Returns the words that are options of `command`, with their values. All of them take one.
fn options(command: &Command, mut words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let (name, value) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
        let is_option = command.get_arguments().any(|argument| {
            let is_long = argument.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
            let short = argument.get_short().map(|short| format!("-{short}"));
            is_long || short.as_deref() == Some(name)
        });
        if is_option {
            let value = if value.is_none() { words.next() } else { None };
            found.extend([Some(word), value].into_iter().flatten());
        }
    }
    found
}

async fn list(flags: ClusterFlags, kind: Kind) -> Result<Vec<String>, Failure> {
    let cluster = flags.connect().await?;
    let namespace = (kind != Kind::Tenants).then(|| cluster.namespace.clone());
    let api = cluster.objects(kind, namespace.as_deref());
    let access = Access { verb: "list", kind, namespace };
    let listed = cluster.call(access, api.list_metadata(&ListParams::default())).await?;
    Ok(listed.items.iter().map(ResourceExt::name_any).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_the_cluster_are_found_anywhere_in_a_command_line() {
        let command = ClusterFlags::augment_args(Command::new("almkey").no_binary_name(true));
        let found = |line: &str| {
            let words = options(&command, line.split(' ').map(OsString::from));
            words.join(OsStr::new(" ")).into_string().expect("UTF-8")
        };
        for (line, expected) in [
            ("almkey explain c", ""),
            ("almkey explain -n team-a c", "-n team-a"),
            (
                "almkey --context=prod reconcile --timeout 5 calm --namespace team-a",
                "--context=prod --namespace team-a",
            ),
            ("almkey suspend calm -n", "-n"),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
    }
}

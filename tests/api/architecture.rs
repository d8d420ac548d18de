//! The lines of the house, held by reading the sources: who may name whom, how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// A module of `src` and the modules that it may name, itself aside.
struct Module {
    name: &'static str,
    may_name: &'static [&'static str],
}

const fn module(name: &'static str, may_name: &'static [&'static str]) -> Module {
    Module { name, may_name }
}

/// The layers from the top down. Nobody names one that stands above, and the pure ones name nobody.
const LAYERS: [Module; 19] = [
    module("lib", &[]),
    module("main", &[]),
    module(
        "cli",
        &["app", "clock", "config", "directory", "doctor", "http", "ids", "scim", "simulator", "telemetry"],
    ),
    module(
        "app",
        &[
            "clock",
            "config",
            "directory",
            "graph",
            "http",
            "ids",
            "provision",
            "secret",
            "simulator",
            "store",
            "telemetry",
        ],
    ),
    module("doctor", &["clock", "config", "directory", "graph", "provision", "secret", "settings", "store"]),
    module("http", &["directory", "ids", "insights", "scim", "store", "telemetry"]),
    module(
        "provision",
        &[
            "clock",
            "directory",
            "graph",
            "ids",
            "insights",
            "scim",
            "secret",
            "settings",
            "store",
            "telemetry",
        ],
    ),
    module("directory", &["clock", "ids", "insights", "scim", "secret", "settings", "store", "telemetry"]),
    module("telemetry", &["config"]),
    module("config", &["settings"]),
    module("settings", &[]),
    module("store", &["clock", "ids", "insights", "scim", "secret"]),
    module("insights", &["clock", "ids"]),
    module("graph", &["clock"]),
    module("simulator", &["clock"]),
    module("scim", &["clock"]),
    module("secret", &[]),
    module("ids", &[]),
    // For everybody.
    module("clock", &[]),
];

/// Crates that belong to some modules alone.
const CRATES: [(&str, &[&str]); 14] = [
    ("actix_web", &["http", "simulator"]),
    ("tracing_actix_web", &["http"]),
    ("utoipa", &["http"]),
    ("utoipa_actix_web", &["http"]),
    ("sea_orm", &["store"]),
    ("entity", &["store"]),
    ("migration", &["store"]),
    ("reqwest", &["graph"]),
    ("oauth2", &["graph"]),
    ("jsonwebtoken", &["graph", "simulator"]),
    ("scim_filter_parser", &["scim"]),
    ("figment", &["config"]),
    ("clap", &["cli", "config"]),
    ("chacha20poly1305", &["secret"]),
];

const LONGEST_FILE: usize = 600;

/// A source file without its comments and its inline tests.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    /// Its place among the modules: `["store", "users", "page"]`.
    place: Vec<String>,
    text: String,
}

impl Source {
    fn top(&self) -> &str {
        &self.place[0]
    }

    fn is_test(&self) -> bool {
        self.place.iter().any(|part| part.ends_with("tests") || part == "testing")
    }

    /// The paths that name another top-level module, from its name on: `["store", "Error"]`.
    fn inner_paths(&self) -> Vec<Vec<String>> {
        paths(&self.text)
            .into_iter()
            .filter_map(|path| {
                let up = path.iter().take_while(|part| *part == "super").count();
                match path.first().map(String::as_str) {
                    Some("crate") => Some(path[1..].to_vec()),
                    Some("super") if up == self.place.len() => Some(path[up..].to_vec()),
                    _ => None,
                }
            })
            .filter(|path| path.first().is_some_and(|top| top != self.top()))
            .collect()
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let root = src();
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_owned();
        let place = path
            .with_extension("")
            .components()
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect();
        let text = code(&fs::read_to_string(file).unwrap());
        Source { path, place, text }
    };
    files(&root).into_iter().map(read).filter(|source| !source.is_test()).collect()
}

/// The text without comments and without what only tests see.
fn code(text: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let inline_tests = line.trim() == "#[cfg(test)]"
            && rest.peek().is_some_and(|next| next.contains("mod ") && next.ends_with('{'));
        if inline_tests {
            while rest.next().is_some_and(|line| line != "}") {}
            continue;
        }
        if !line.trim_start().starts_with("//") {
            lines.push(line.split(" // ").next().unwrap_or_default());
        }
    }
    lines.join("\n")
}

/// Every path in the text, part by part; `use a::{b, c::d}` is three of them: `a::b`, `a::c::d` and what they begin with.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut opened: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if word > 0 {
            path.push(rest[..word].to_owned());
            rest = &rest[word..];
            if !rest.starts_with("::") {
                let whole = opened.concat().into_iter().chain(path.drain(..)).collect();
                found.push(whole);
            }
            continue;
        }
        if let Some(behind) = rest.strip_prefix("::") {
            rest = behind.trim_start();
            if rest.starts_with('{') {
                opened.push(std::mem::take(&mut path));
                rest = &rest[1..];
            } else if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                found.push(opened.concat().into_iter().chain(path.drain(..)).collect());
            }
            continue;
        }
        match first {
            '{' => opened.push(Vec::new()),
            '}' => drop(opened.pop()),
            _ => {}
        }
        path.clear();
        rest = &rest[first.len_utf8()..];
    }
    found
}

#[test]
fn the_reader_of_paths_sees_what_the_compiler_sees() {
    let text = "use crate::{http, store::{self, Tx}};\nfn f() { crate::clock::millis(super::x::<u8>()); a::<crate::ids::Id>::b }";
    let found: Vec<String> =
        paths(text).iter().filter(|path| path.len() > 1).map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        [
            "crate::http",
            "crate::store::self",
            "crate::store::Tx",
            "crate::clock::millis",
            "super::x",
            "crate::ids::Id",
        ]
    );
}

#[test]
fn comments_and_inline_tests_are_no_code() {
    let text = "//! crate::a\nuse b; // crate::c\n#[cfg(test)]\nmod tests {\n    use crate::d;\n}\nuse e;";
    assert_eq!(code(text), "use b;\nuse e;");
}

#[test]
fn every_module_has_its_place_in_the_layers() {
    for source in sources() {
        let known = LAYERS.iter().any(|layer| layer.name == source.top());
        assert!(known, "{} is in no layer", source.path.display());
    }
}

#[test]
fn layers_name_only_those_below() {
    for (at, layer) in LAYERS.iter().enumerate() {
        for named in layer.may_name {
            let below = LAYERS[at + 1..].iter().any(|lower| lower.name == *named);
            assert!(below, "{} may name {named}, which does not stand below", layer.name);
        }
    }
}

#[test]
fn modules_name_only_those_that_they_may() {
    let mut wrong = Vec::new();
    for source in sources() {
        let layer = LAYERS.iter().find(|layer| layer.name == source.top());
        let may_name = layer.map_or(&[][..], |layer| layer.may_name);
        for path in source.inner_paths() {
            if !may_name.contains(&path[0].as_str()) {
                wrong.push(format!("{} names {}", source.path.display(), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn http_knows_of_the_store_its_error_only() {
    for source in sources().iter().filter(|source| source.top() == "http") {
        let paths = paths(&source.text);
        let from_store = |path: &Vec<String>| path.iter().position(|part| part == "store");
        for path in &paths {
            let Some(at) = from_store(path).filter(|at| *at <= 1) else {
                continue;
            };
            let further = path.get(at + 1).map(String::as_str);
            assert!(
                matches!(further, None | Some("Error")),
                "{} names {}",
                source.path.display(),
                path.join("::")
            );
        }
    }
}

#[test]
fn a_crate_is_named_where_it_belongs() {
    let mut wrong = Vec::new();
    for (name, owners) in CRATES {
        let names =
            |source: &Source| paths(&source.text).iter().any(|path| path.len() > 1 && path[0] == name);
        let (within, beyond): (Vec<Source>, Vec<Source>) =
            sources().into_iter().filter(names).partition(|source| owners.contains(&source.top()));
        wrong.extend(beyond.iter().map(|source| format!("{} names {name}", source.path.display())));
        if within.is_empty() {
            wrong.push(format!("nobody names {name} any more: take it off the list"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_has_a_catch_all_module() {
    for source in sources() {
        let bad = ["utils", "util", "helpers", "misc", "mod"];
        let part = source.place.iter().find(|part| bad.contains(&part.as_str()));
        assert_eq!(part, None, "{}", source.path.display());
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    for file in files(&src()) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines: split it by sense", file.display());
    }
}

#[test]
fn nothing_is_left_to_be_written() {
    for source in sources() {
        for macro_name in ["todo!", "unimplemented!", "unreachable!", "dbg!"] {
            assert!(!source.text.contains(macro_name), "{} has {macro_name}", source.path.display());
        }
    }
}

#[test]
fn the_entrances_are_short() {
    for name in ["main.rs", "lib.rs"] {
        let lines = fs::read_to_string(src().join(name)).unwrap().lines().count();
        assert!(lines <= 20, "{name} has {lines} lines");
    }
}

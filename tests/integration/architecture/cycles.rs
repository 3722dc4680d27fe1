//! No import cycles: neither between folders, nor between the files of one folder.
//!
//! The modules of a folder and the folder's own `mod.rs` are the nodes of a graph; an import from anywhere inside one to
//! anywhere inside another is an edge. A name that a `mod.rs` only re-exports counts as an import of the file that
//! defines it. Unit tests are left out: they may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};
use testkit::bed::cluster::package;

use super::sources::{planted, sources};

/// The crates that the rule holds for, by the folder of their sources.
const CRATES: [&str; 5] = ["src", "simulator/src", "testkit/src", "properties/src", "xtask/src"];

type ModulePath = Vec<String>;

/// The modules of one crate that have a file of their own.
struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

/// The imports of a file, and the names that it re-exports from its children.
#[derive(Default)]
struct Module {
    imports: Vec<Vec<String>>,
    re_exports: BTreeMap<String, Vec<String>>,
}

impl Crate {
    /// Reads the sources below a folder.
    fn read(root: &Path) -> Self {
        let modules = sources(root).into_iter().map(|file| {
            let below = file.strip_prefix(root).expect("below the root").with_extension("");
            let mut path: ModulePath = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                path.pop();
            }
            let text = fs::read_to_string(&file).expect("a source file");
            let ast = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let mut module = Module::default();
            Imports { module: &mut module }.visit_file(&ast);
            (path, module)
        });
        let mut merged: BTreeMap<ModulePath, Module> = BTreeMap::new();
        for (path, module) in modules {
            // lib.rs and main.rs of one crate are both its root.
            let known = merged.entry(path).or_default();
            known.imports.extend(module.imports);
            known.re_exports.extend(module.re_exports);
        }
        Self { modules: merged }
    }

    /// Returns the module that an import of another module reaches, if it is one of this crate with a file of its own.
    fn target(&self, from: &ModulePath, import: &[String]) -> Option<ModulePath> {
        let mut absolute = self.absolute(from, import)?;
        loop {
            let length = (0..=absolute.len()).rev().find(|length| self.modules.contains_key(&absolute[..*length]))?;
            let module = absolute[..length].to_vec();
            let Some(name) = absolute.get(length) else { return Some(module) };
            let Some(re_export) = self.modules[&module].re_exports.get(name) else { return Some(module) };
            let next = self.absolute(&module, re_export)?;
            if next == absolute {
                return Some(module);
            }
            absolute = next;
        }
    }

    /// Returns an import as a path from the root of the crate; none if it leads out of it.
    fn absolute(&self, from: &ModulePath, import: &[String]) -> Option<ModulePath> {
        let mut path = from.clone();
        let mut rest = import;
        match import.first()?.as_str() {
            "crate" => {
                path.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            child => {
                path.push(child.to_owned());
                if !self.modules.contains_key(&path) {
                    return None;
                }
                rest = &rest[1..];
            }
        }
        while rest.first().is_some_and(|part| part == "super") {
            path.pop()?;
            rest = &rest[1..];
        }
        path.extend(rest.iter().cloned());
        Some(path)
    }

    /// Returns the cycles among the children of each folder, its own `mod.rs` included.
    fn cycles(&self) -> Vec<String> {
        let mut edges: BTreeMap<ModulePath, BTreeSet<(String, String)>> = BTreeMap::new();
        for (from, module) in &self.modules {
            for to in module.imports.iter().filter_map(|import| self.target(from, import)).filter(|to| to != from) {
                let common = from.iter().zip(&to).take_while(|(left, right)| left == right).count();
                let node = |path: &ModulePath| path.get(common).map_or("mod.rs", String::as_str).to_owned();
                edges.entry(from[..common].to_vec()).or_default().insert((node(from), node(&to)));
            }
        }
        edges.iter().flat_map(|(folder, edges)| cycles_of(&folder.join("/"), edges)).collect()
    }
}

/// Returns the groups of nodes that reach each other.
fn cycles_of(folder: &str, edges: &BTreeSet<(String, String)>) -> Vec<String> {
    let reachable = |start: &str| {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            let next = edges.iter().filter(|(from, _)| from == node).map(|(_, to)| to.as_str());
            open.extend(next.filter(|to| reached.insert(to)));
        }
        reached.into_iter().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let nodes: BTreeSet<&String> = edges.iter().flat_map(|(from, to)| [from, to]).collect();
    let reached: BTreeMap<&String, BTreeSet<String>> = nodes.iter().map(|node| (*node, reachable(node))).collect();
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
    for node in &nodes {
        let group: Vec<String> =
            reached[*node].iter().filter(|other| reached[other].contains(*node)).cloned().collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().map(|group| format!("{folder}: {}", group.join(" <-> "))).collect()
}

/// Collects the imports of a file.
struct Imports<'a> {
    module: &'a mut Module,
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(module) => &module.attrs,
            Item::Fn(function) => &function.attrs,
            Item::Impl(implementation) => &implementation.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_test_only) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        // A module without a body has a file of its own.
        if module.content.is_some() {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.attrs.iter().any(is_test_only) {
            return;
        }
        let mut paths = Vec::new();
        expand(&item.tree, &mut Vec::new(), &mut paths);
        if matches!(item.vis, Visibility::Inherited) {
            self.module.imports.extend(paths.into_iter().map(|(path, _)| path));
        } else {
            self.module.re_exports.extend(paths.into_iter().map(|(path, name)| (name, path)));
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(in path)` restricts, and imports nothing.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.module.imports.push(parts);
        }
        visit::visit_path(self, path);
    }
}

/// Returns true for `#[cfg(test)]` and its kind.
fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
}

/// Expands a `use` into its paths, each with the name that it gives.
fn expand(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<(Vec<String>, String)>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            expand(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            paths.push((prefix.clone(), prefix.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => {
            let whole = prefix.iter().cloned().chain([name.ident.to_string()]).collect();
            paths.push((whole, name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            let whole = prefix.iter().cloned().chain([rename.ident.to_string()]).collect();
            paths.push((whole, rename.rename.to_string()));
        }
        UseTree::Glob(_) => paths.push((prefix.clone(), "*".into())),
        UseTree::Group(group) => group.items.iter().for_each(|item| expand(item, prefix, paths)),
    }
}

/// Returns the cycles in one planted crate.
fn planted_cycles(files: &[(&str, &str)]) -> Vec<String> {
    Crate::read(planted(files).path()).cycles()
}

#[test]
fn no_folder_and_no_file_imports_what_imports_it() {
    let all = CRATES.iter().flat_map(|root| {
        Crate::read(&package().join(root)).cycles().into_iter().map(move |cycle| format!("{root}/{cycle}"))
    });
    let all: Vec<_> = all.collect();
    assert!(all.is_empty(), "import cycles:\n{}", all.join("\n"));
}

#[test]
fn a_planted_import_cycle_is_found_between_files_folders_and_their_mod_files() {
    let between_files =
        [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { super::a::g(); }")];
    assert_eq!(planted_cycles(&between_files), [": a <-> b"]);

    let between_folders = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; mod y;"),
        ("a/x.rs", "use crate::b::z::Z;"),
        ("a/y.rs", ""),
        ("b/mod.rs", "mod z; mod w;"),
        ("b/z.rs", ""),
        ("b/w.rs", "use crate::{a::y::Y};"),
    ];
    assert_eq!(planted_cycles(&between_folders), [": a <-> b"]);

    let with_the_mod_file =
        [("lib.rs", "mod a;"), ("a/mod.rs", "mod x; use x::f; struct A;"), ("a/x.rs", "use super::A;")];
    assert_eq!(planted_cycles(&with_the_mod_file), ["a: mod.rs <-> x"]);
}

#[test]
fn a_name_that_is_re_exported_counts_as_an_import_of_the_file_that_defines_it() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod x; mod y; pub use x::X; use y::f;"),
        ("a/x.rs", "struct X;"),
        ("a/y.rs", "use super::X;\n#[cfg(test)]\nmod tests { use super::super::g; }"),
    ];
    assert_eq!(planted_cycles(&files), Vec::<String>::new());
}

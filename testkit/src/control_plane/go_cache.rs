//! The cache of the programs of a Go module, outside the work tree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::Error;
use super::go_build::{self, GoModule, Places, Program};

impl GoModule {
    /// Finds each program in `KUBEBUILDER_ASSETS`, else in the cache; builds what is in neither. Returns the cache.
    pub(crate) fn find_or_build(&self) -> Result<PathBuf, Error> {
        self.ensure_found(Places::AssetsAndCache)
    }

    /// Finds each program in the cache, whatever `KUBEBUILDER_ASSETS` holds, and builds what is not there. Returns the
    /// cache.
    pub(crate) fn find_in_cache_or_build(&self) -> Result<PathBuf, Error> {
        self.ensure_found(Places::Cache)
    }

    fn ensure_found(&self, places: Places) -> Result<PathBuf, Error> {
        let cache = self.cache()?;
        if self.missing(places, &cache).is_empty() {
            // A finished program is renamed into place, so that a program that is found is complete and needs no lock.
            return Ok(cache);
        }
        fs::create_dir_all(&cache).map_err(|error| Error::file(&cache, error))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).map_err(|error| Error::file(&lock_path, error))?;
        // Of two test runs at once the second one waits, and finds the programs built.
        if lock.try_lock().is_err() {
            go_build::announce_wait(&cache);
            lock.lock().map_err(|error| Error::file(&lock_path, error))?;
        }
        go_build::all(self, &self.missing(places, &cache), places, &cache)?;
        Ok(cache)
    }

    /// Finds or builds the programs, and returns the path of one of them.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf, Error> {
        built_program(&self.find_or_build()?, name)
    }

    /// Returns true if nothing must be built.
    pub(super) fn is_built(&self, places: Places) -> bool {
        self.cache().is_ok_and(|cache| self.missing(places, &cache).is_empty())
    }

    fn missing(&self, places: Places, cache: &Path) -> Vec<Program> {
        self.programs.iter().copied().filter(|program| find(places, cache, program.name).is_none()).collect()
    }

    /// Returns the files that decide what is built: the pinned versions, and the Go code of a program of our own.
    fn sources(&self) -> Result<Vec<PathBuf>, Error> {
        let folder = self.folder();
        let mut sources = vec![folder.join("go.mod"), folder.join("go.sum")];
        let mut code = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))? {
            let path = entry.map_err(|error| Error::file(&folder, error))?.path();
            if path.extension().is_some_and(|extension| extension == "go") {
                code.push(path);
            }
        }
        code.sort();
        sources.append(&mut code);
        Ok(sources)
    }

    /// Returns the cache folder of exactly these versions.
    fn cache(&self) -> Result<PathBuf, Error> {
        let mut hash = Sha256::new();
        for path in self.sources()? {
            hash.update(fs::read(&path).map_err(|error| Error::file(&path, error))?);
        }
        hash.update(self.ldflags);
        hash.update(self.tags);
        let version = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let root = variable("ALMKEY_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("alm-key-operator")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/alm-key-operator")))
            .ok_or_else(|| Error::Build("neither ALMKEY_CACHE nor HOME is set".into()))?;
        let cache = root.join(self.name).join(format!("{version:016x}"));
        // `go build` runs in the folder of its module, where a relative path would mean another folder.
        std::path::absolute(&cache).map_err(|error| Error::file(&cache, error))
    }
}

/// Returns the path of a program, which is in `KUBEBUILDER_ASSETS` or in the cache.
pub(super) fn built_program(cache: &Path, name: &str) -> Result<PathBuf, Error> {
    find(Places::AssetsAndCache, cache, name).ok_or_else(|| missing(name))
}

/// Returns the path of a program in the cache.
pub(super) fn cached_program(cache: &Path, name: &str) -> Result<PathBuf, Error> {
    find(Places::Cache, cache, name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::Build(format!("{name} is missing"))
}

fn find(places: Places, cache: &Path, name: &str) -> Option<PathBuf> {
    let assets = variable("KUBEBUILDER_ASSETS").filter(|_| places == Places::AssetsAndCache);
    let folders = assets.into_iter().chain([cache.to_owned()]);
    let path = folders.map(|folder| folder.join(name)).find(|path| path.is_file())?;
    // A child process may have another working directory.
    std::path::absolute(path).ok()
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

//! Failures of a control plane: its parts are killed, stopped and restarted, and etcd is restored from a backup.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::error::Error;
use super::instance::{ControlPlane, spawn};
use super::process::Supervised;
use super::{commands, readiness};

/// A part of the control plane that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// kube-apiserver.
    ApiServer,
    /// etcd.
    Etcd,
}

/// A copy of etcd's data.
#[derive(Debug)]
pub struct Backup(PathBuf);

impl ControlPlane {
    fn process(&mut self, part: Part) -> &mut Supervised {
        match part {
            Part::ApiServer => &mut self.api_server,
            Part::Etcd => &mut self.etcd,
        }
    }

    /// Kills a part, as a crash would.
    pub fn kill(&mut self, part: Part) {
        self.process(part).kill_and_wait();
    }

    /// Suspends a part. It keeps its connections open and does nothing until it is resumed.
    pub fn suspend(&mut self, part: Part) {
        self.process(part).signal("STOP");
    }

    /// Resumes a part that was suspended.
    ///
    /// # Errors
    /// The API server does not become ready.
    pub async fn resume(&mut self, part: Part) -> Result<(), Error> {
        self.process(part).signal("CONT");
        self.ready().await
    }

    /// Starts a part again on the same port and the same data. Kills it first if it still runs.
    ///
    /// # Errors
    /// The part did not come up again.
    pub async fn restart(&mut self, part: Part) -> Result<(), Error> {
        self.kill(part);
        self.start_again(part)?;
        self.ready().await
    }

    /// Kills the API server, so that connections to it are refused.
    pub fn stop_api_server(&mut self) {
        self.kill(Part::ApiServer);
    }

    /// Starts the API server again on the same port and the same data. Kills it first if it still runs.
    ///
    /// # Errors
    /// The API server did not come up again.
    pub async fn restart_api_server(&mut self) -> Result<(), Error> {
        self.restart(Part::ApiServer).await
    }

    /// Copies the data of etcd while it does not run, so that the copy is consistent.
    ///
    /// # Errors
    /// The data could not be copied, or the control plane did not come up again.
    pub async fn back_up(&mut self) -> Result<Backup, Error> {
        let backup = Backup(self.directory().join(format!("backup-{:08x}", rand::random::<u32>())));
        self.end_both();
        copy(&self.data(), &backup.0)?;
        self.start_both().await?;
        Ok(backup)
    }

    /// Restores a backup of etcd. All later writes are lost.
    ///
    /// # Errors
    /// The data could not be restored, or the control plane did not come up again.
    pub async fn restore(&mut self, backup: &Backup) -> Result<(), Error> {
        self.end_both();
        let data = self.data();
        fs::remove_dir_all(&data).map_err(|error| Error::file(&data, error))?;
        copy(&backup.0, &data)?;
        self.start_both().await
    }

    fn data(&self) -> PathBuf {
        commands::etcd_data(self.directory())
    }

    fn end_both(&mut self) {
        self.kill(Part::ApiServer);
        // etcd is asked to stop first, so that its data is consistent.
        self.etcd.signal("TERM");
        self.etcd.wait_exit(super::process::GRACE);
        self.kill(Part::Etcd);
    }

    async fn start_both(&mut self) -> Result<(), Error> {
        self.start_again(Part::Etcd)?;
        self.start_again(Part::ApiServer)?;
        self.ready().await
    }

    fn start_again(&mut self, part: Part) -> Result<(), Error> {
        let (name, mut command) = match part {
            Part::ApiServer => ("kube-apiserver", self.api_server_command()?),
            Part::Etcd => ("etcd", commands::etcd(&self.binaries, self.directory(), self.ports)),
        };
        let process = spawn(name, &mut command, self.directory())?;
        *self.process(part) = process;
        Ok(())
    }

    async fn ready(&mut self) -> Result<(), Error> {
        let directory = self.directory().to_owned();
        readiness::api_server(&directory, &mut self.etcd, &mut self.api_server).await
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::file(from, error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(failed)?;
        }
    }
    Ok(())
}

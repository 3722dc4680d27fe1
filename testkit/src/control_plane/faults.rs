//! What happens to a control plane: its parts are killed, stopped and started again, and its data comes back from a
//! backup.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::control_plane::{ControlPlane, spawn};
use super::error::Error;
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

/// The data of etcd as it was at some time.
#[derive(Debug)]
pub struct Backup(PathBuf);

impl ControlPlane {
    fn process(&mut self, part: Part) -> &mut Supervised {
        match part {
            Part::ApiServer => &mut self.api_server,
            Part::Etcd => &mut self.etcd,
        }
    }

    /// Ends a part as a crash would.
    pub fn kill(&mut self, part: Part) {
        self.process(part).kill_and_wait();
    }

    /// A part stands still, and keeps its connections open, until it is resumed.
    pub fn stop(&mut self, part: Part) {
        self.process(part).signal("STOP");
    }

    /// A part that stood still goes on.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn resume(&mut self, part: Part) -> Result<(), Error> {
        self.process(part).signal("CONT");
        self.ready().await
    }

    /// Starts a part again on the same port and the same data, after a crash if it still runs.
    ///
    /// # Errors
    /// It did not come up again.
    pub async fn restart(&mut self, part: Part) -> Result<(), Error> {
        self.kill(part);
        self.start_again(part)?;
        self.ready().await
    }

    /// Ends the API server as a crash would, so that clients meet a refused connection.
    pub fn stop_api_server(&mut self) {
        self.kill(Part::ApiServer);
    }

    /// Ends the API server, if it still runs, and starts it again on the same port and the same data.
    ///
    /// # Errors
    /// It did not come up again.
    pub async fn restart_api_server(&mut self) -> Result<(), Error> {
        self.restart(Part::ApiServer).await
    }

    /// Takes a backup of etcd: a copy of its data while it does not run, so that it is whole.
    ///
    /// # Errors
    /// It could not be taken, or the control plane did not come up again.
    pub async fn back_up(&mut self) -> Result<Backup, Error> {
        let backup = Backup(self.directory().join(format!("backup-{:08x}", rand::random::<u32>())));
        self.end_both();
        copy(&self.data(), &backup.0)?;
        self.start_both().await?;
        Ok(backup)
    }

    /// Restores a backup of etcd, as of old: what was written since was never written.
    ///
    /// # Errors
    /// It could not be restored, or the control plane did not come up again.
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
        // It is asked, so that its data is whole.
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

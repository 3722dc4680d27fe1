//! The programs of both architectures.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use object::Endianness;
use object::elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

use super::unpack;
use xtask::image::{PROGRAM, PROGRAM_LIMIT};
use xtask::workspace::{cargo_home, root};

#[test]
fn each_program_is_for_its_architecture_and_needs_no_library() {
    for (architecture, machine) in [("amd64", EM_X86_64), ("arm64", EM_AARCH64)] {
        let root = unpack(architecture);
        let program = fs::read(root.path().join(PROGRAM)).expect("the program");
        assert!(program.len() as u64 <= PROGRAM_LIMIT, "{} bytes", program.len());
        let header = FileHeader64::<Endianness>::parse(program.as_slice()).expect("ELF");
        let endian = header.endian().expect("a byte order");
        assert_eq!(header.e_machine(endian), machine);
        for segment in header.program_headers(endian, program.as_slice()).expect("segments") {
            assert_ne!(segment.p_type(endian), PT_INTERP, "{architecture}: a program that is static has no loader");
            let dynamic = segment.dynamic(endian, program.as_slice()).expect("the dynamic section");
            let needed = dynamic.unwrap_or_default().iter().filter(|entry| entry.tag(endian) == DT_NEEDED);
            assert_eq!(needed.count(), 0, "{architecture}: a program that is static needs no library");
        }
    }
}

#[test]
fn no_program_names_a_folder_of_the_machine_that_built_it() {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc");
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    let folders = [cargo_home().expect("cargo's folder"), sysroot, root().to_owned()];
    for architecture in ["amd64", "arm64"] {
        let program = fs::read(unpack(architecture).path().join(PROGRAM)).expect("the program");
        for folder in &folders {
            let folder = folder.as_os_str().as_encoded_bytes();
            let found = program.windows(folder.len()).any(|window| window == folder);
            assert!(!found, "{architecture}: a path of this machine is in the program");
        }
    }
}

//! HTTP as this project speaks it to everybody: a hardened client, and names that resolve only to permitted addresses.

pub mod client;
pub mod network;

//! The command line as people and scripts meet it: the real program, one file for one behaviour.

mod boundary;
mod editor;
mod harness;
mod holders;
mod home;
mod init;
mod leave;
mod locked;
mod manual;
mod pairing;
mod safety;
mod unpaired;
mod usage;

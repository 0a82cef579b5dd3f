//! The command line as people and scripts meet it: the real program, one file for one behaviour.

mod boundary;
mod editor;
mod guide;
mod harness;
mod holders;
mod home;
mod init;
mod kit;
mod leave;
mod lesson;
mod locked;
mod manual;
mod pairing;
mod passphrase;
mod safety;
mod unpaired;
mod usage;

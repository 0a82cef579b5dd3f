//! The command line as people and scripts meet it: the real program, one file for one behaviour.

mod across;
mod backup;
mod boundary;
mod canary;
mod editor;
mod export;
mod feel;
mod guide;
mod harness;
mod holders;
mod home;
mod init;
mod kit;
mod leave;
mod lesson;
mod lock;
mod locked;
mod manual;
mod memory;
mod pairing;
mod passphrase;
mod plan;
mod safety;
mod space;
mod unpaired;
mod usage;

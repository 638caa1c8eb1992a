//! What users see: the real binary against a stand-in for AWS and, where
//! kube-apiserver has a say, a real control plane.

mod access;
mod aws;
mod cluster;
mod people;
mod process;
mod secrets;
mod webhook;

mod bad_input;
mod change_mappings;
mod edits_as_go;
mod eksctl;
mod exec_plugin;
mod first_login;
mod health;
mod help;
mod host_roots;
mod init;
mod kubelet;
mod mappings;
mod nodes;
mod outbound;
mod quickstart;
mod redaction;
mod server_log;
mod tokens_as_go;
mod tokens_of_others;
mod verify;
mod yaml_as_go;
mod yaml_bombs;

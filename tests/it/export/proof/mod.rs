//! G5 against SFTP servers: one that goes wrong at every step of its protocol, and real ones; with vidne itself killed
//! and frozen at every step, and upgraded; and what real log collectors pick up from the folder meanwhile.

mod consumer;
mod fleet;
mod frozen;
mod killed;
mod matrix;
mod mode;
mod pickup;
mod place;
mod real;
mod upgraded;

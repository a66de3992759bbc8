//! The Helm chart, rendered by real Helm, held against Kubernetes' own schemas and against the program. No cluster.
//!
//! `render` runs Helm, `sets` looks at `helm/ci/*.yaml`, `install` runs what is in the containers, `refused` looks at
//! what cannot work, `documented` at what is made from something else.

mod documented;
mod install;
mod refused;
mod render;
mod sets;

//! What is too long for `make test`: matrices of crashes and faults, on a real API server. `make prove` runs them.

mod crash_matrix;

mod api_server;
mod beds;
mod fault_matrix;
mod hostile;
mod limits;
mod recorded_pace;
mod replicas;

pub mod atomic_cell;

//! The controller's real code in a world of models.

mod histories;
mod tenant;
mod world;

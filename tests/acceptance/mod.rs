//! What must hold before walferry is of any use, with the roles of the documentation and under
//! load. Short every day; `./dev soak` runs the same scenarios in full and prints their figures.

mod altered;
mod atomic;
mod bastion;
mod crashes;
mod drain;
mod killed_load;
mod outages;
mod pages;
mod plans;
mod refusals;
mod resync;
mod stuck;
mod takeover;

//! Runs a play: variables, task execution, loops, results, handlers. The state of a run is data.

"""Running Rostra: the command line, the processes, their logs and metrics, and the doctor."""

"""What recipients and operators reach by HTTP: the opt-out page and the process's health."""

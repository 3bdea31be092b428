"""The local world that demo, tests and benchmarks run against; imports nothing of the product."""

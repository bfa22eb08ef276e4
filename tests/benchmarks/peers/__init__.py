"""Other people's networks beside our student: same windows, people, schedule and augmentation; counted on one device.

Each network is written from its paper in a file of its own. `python -m tests.benchmarks.peers --help` runs them.
"""

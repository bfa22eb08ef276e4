"""Irregular recordings of sensor events with the windows they must give, for every implementation of the intake."""

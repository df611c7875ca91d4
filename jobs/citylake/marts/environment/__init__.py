"""Environment: hours and days of the air stations, exceedances, sensor faults, polluters as legal
entities.
"""

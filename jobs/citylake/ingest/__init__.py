"""What arrived: sources, formats, verification, landing, bronze. No Spark."""

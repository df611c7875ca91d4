"""The services of one machine: store, Spark, the readers' server, and the doctor."""

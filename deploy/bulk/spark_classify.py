"""Classifies files with Spark: spark-submit --py-files mien_rows.py spark_classify.py LIST OUTPUT [--faces]

Each partition runs one `mien classify`. All workers need the program, the models and the files at the same paths.
"""

import json
import sys

from pyspark.sql import SparkSession

from mien_rows import classify


def main(paths, output, *flags):
    """Reads one path per line from `paths` and writes a Parquet file per partition to `output`."""
    spark = SparkSession.builder.appName("mien-classify").getOrCreate()
    files = spark.read.text(paths).rdd.map(lambda row: row.value)
    rows = files.mapPartitions(lambda part: map(json.dumps, classify(part, *flags)))
    spark.read.json(rows).write.parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Classifies files with Spark:

    spark-submit --py-files mien_rows.py spark_classify.py LIST OUTPUT PARTITIONS [--faces]

Each partition runs one `mien classify`. All workers need the program, the models and the files at the same paths.
"""

import json
import sys

from pyspark import SparkContext

from mien_rows import classify


def main(paths, output, partitions, *flags):
    """Reads one path per line from `paths` and writes a file of JSON lines per partition to `output`."""
    context = SparkContext.getOrCreate()
    files = context.textFile(paths, int(partitions))
    rows = files.mapPartitions(lambda part: map(json.dumps, classify(part, *flags)))
    rows.saveAsTextFile(output)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Classifies files with Ray Data: python ray_classify.py LIST OUTPUT [--faces]

Each batch runs one `mien classify`. All nodes need the program, the models and the files at the same paths.
"""

import sys

import pandas
import ray

from mien_rows import classify

# A large batch makes the time to load the model negligible.
BATCH_SIZE = 4096


def main(paths, output, *flags):
    """Reads one path per line from `paths` and writes Parquet files to `output`."""

    def rows(batch):
        return pandas.json_normalize(list(classify(batch["text"].tolist(), *flags)))

    files = ray.data.read_text(paths).repartition(target_num_rows_per_block=BATCH_SIZE)
    files.map_batches(rows, batch_size=BATCH_SIZE, batch_format="pandas").write_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Classifies files with Ray Data: python ray_classify.py LIST OUTPUT BATCH_SIZE [--faces]

Each batch of BATCH_SIZE files runs one `mien classify`, so use batches of a few thousand files. All nodes need the
program, the models and the files at the same paths.
"""

import sys

import ray

from mien_rows import classify_to_table


def main(paths, output, batch_size, *flags):
    """Reads one path per line from `paths` and writes Parquet files to `output`."""
    size = int(batch_size)
    files = ray.data.read_text(paths).repartition(target_num_rows_per_block=size)
    rows = files.map_batches(
        lambda batch: classify_to_table(batch["text"].to_pylist(), *flags), batch_size=size, batch_format="pyarrow"
    )
    rows.write_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])

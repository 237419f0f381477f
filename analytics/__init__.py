"""Pixels to tables: records, decoding, sampling, tracking, quality, aggregation, Parquet."""

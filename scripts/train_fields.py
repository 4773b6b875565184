"""Train the field model from the data files and the judged products: `make train` runs this.

Writes datasets/model/fields.npz. How common an n-gram is, is learned from the texts of the judged pairs. Nothing of
these and of the products but the learned weights is kept.
"""

from __future__ import annotations

import polars as pl
from judged_data import judged_pairs, products_file

from matching.data_files import data_path
from matching.fields.model import write_model
from matching.fields.taxonomies import load_taxonomies
from matching.fields.training import examples_of, read_products, train

JUDGED = "strategic_2018"
_SOURCE = (
    "Learned from the names, terms, examples and lexicon of this project and from products of the classification of "
    "strategic emerging industries (2018), National Bureau of Statistics, as tagged in a public data file "
    "(swifthu/industrial_classifi, MIT); how common n-grams are, from the texts of the public task on technical "
    "demands and achievements of CCF BDCI 2019."
)


def record_texts() -> pl.Series:
    """Titles and contents of the demands, titles of the achievements of the judged pairs."""
    demands = pl.read_csv(judged_pairs() / "demands.csv", infer_schema=False)
    achievements = pl.read_csv(judged_pairs() / "achievements.csv", infer_schema=False)
    return pl.concat([demands["title"], demands["content"], achievements["title_terms"]]).drop_nulls()


def main() -> None:
    """Train and write."""
    taxonomies = load_taxonomies()
    examples = {code: examples_of(taxonomy) for code, taxonomy in taxonomies.items()}
    products = read_products(products_file(), taxonomies[JUDGED])
    examples[JUDGED] = pl.concat([products, examples[JUDGED]])
    target = data_path("model", "fields.npz")
    write_model(train(examples, taxonomies, record_texts()), _SOURCE, target)
    print(f"{target}: {target.stat().st_size:,} bytes from {sum(map(len, examples.values())):,} texts")


if __name__ == "__main__":
    main()

"""Check every data file of the fields: taxonomies, crosswalk, maturity, lexicon, and that the model fits them.

`make check` runs this. It prints what is wrong and ends with 1, or says what it found.
"""

from __future__ import annotations

import sys

from matching.errors import DataFileError
from matching.fields.crosswalk import load_crosswalk
from matching.fields.lexicon import load_lexicon
from matching.fields.maturity import load_stages
from matching.fields.model import load_model
from matching.fields.taxonomies import load_taxonomies


def main() -> int:
    """Load everything; each loader refuses what breaks a rule."""
    try:
        taxonomies, crosswalk = load_taxonomies(), load_crosswalk()
        stages, lexicon = load_stages(), load_lexicon()
        load_model()
    except DataFileError as error:
        print(error.text("en"), file=sys.stderr)
        return 1
    fields = {code: len(taxonomy.fields) for code, taxonomy in taxonomies.items()}
    print(f"fields: {fields}; links: {len(crosswalk.links)}, gaps with a reason: {len(crosswalk.gaps)}")
    print(f"stages: {len(stages)}; lexicon: {len(lexicon.groups):,} groups, {len(lexicon.concept_of):,} forms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

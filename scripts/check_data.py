"""Check the data files: taxonomies, crosswalk, maturity, lexicon, regions, kinds, the policy; and the model fits.

`make check` runs this. It prints what is wrong and ends with 1, or says what it found.
"""

from __future__ import annotations

import sys

from matching.errors import DataFileError
from matching.fields.crosswalk import load_crosswalk
from matching.fields.funding import funding_kinds
from matching.fields.ip_kinds import ip_kinds
from matching.fields.lexicon import load_lexicon
from matching.fields.maturity import load_stages
from matching.fields.model import load_model
from matching.fields.regions import load_regions
from matching.fields.seller_kinds import seller_kinds
from matching.fields.taxonomies import load_taxonomies
from matching.reporting.policy.deadlines import reminder
from matching.reporting.policy.plan import load_targets
from matching.reporting.policy.rule_files import load_rules


def main() -> int:
    """Load everything; each loader refuses what breaks a rule."""
    try:
        taxonomies, crosswalk = load_taxonomies(), load_crosswalk()
        stages, lexicon = load_stages(), load_lexicon()
        load_model()
        places = places_and_kinds()
        rules = policy()
    except DataFileError as error:
        print(error.text("en"), file=sys.stderr)
        return 1
    fields = {code: len(taxonomy.fields) for code, taxonomy in taxonomies.items()}
    print(f"fields: {fields}; links: {len(crosswalk.links)}, gaps with a reason: {len(crosswalk.gaps)}")
    print(f"stages: {len(stages)}; lexicon: {len(lexicon.groups):,} groups, {len(lexicon.concept_of):,} forms")
    print(places)
    print(rules)
    return 0


def places_and_kinds() -> str:
    """Load regions and the kinds that records write, and say what was found."""
    regions = load_regions()
    kinds = {each.file: len(each.kinds) for each in (ip_kinds(), seller_kinds(), funding_kinds())}
    return f"regions: {len(regions.regions)} with {len(regions.names):,} names; kinds: {kinds}"


def policy() -> str:
    """Load the rules of policy, the targets and the reminder of deadlines, and say what was found."""
    rules, targets = load_rules(), load_targets()
    reminder()
    versions = {code: len(each) for code, each in rules.versions.items()}
    others = [target.code for target, _ in targets.others]
    return (
        f"policy: {len(rules.documents)} documents; versions: {versions}; plan: {targets.plan.total}; targets: {others}"
    )


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Makes build/site/html: all documents as one site, with a search that works without a server or another host.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FOLDER=build/site
PACKAGE=mkdocs-material==9.8.2
export PIP_DISABLE_PIP_VERSION_CHECK=1 NO_MKDOCS_2_WARNING=1

MKDOCS=$(command -v mkdocs || true)
if [[ -z $MKDOCS ]]; then
    MKDOCS=$FOLDER/venv/bin/mkdocs
    if [[ ! -x $MKDOCS ]]; then
        .venv/bin/python -m venv --clear $FOLDER/venv
        $FOLDER/venv/bin/python -m pip install -q "$PACKAGE"
    fi
fi

# One folder: links into docs/ become links beside, links to code become links to nothing but its name.
rm -rf $FOLDER/source
mkdir -p $FOLDER/source
cp -r docs/. $FOLDER/source
cp CHANGELOG.md CONTRIBUTING.md $FOLDER/source
cp README.md $FOLDER/source/index.md
cp infra/compose/README.md $FOLDER/source/compose.md
cp infra/chart/README.md $FOLDER/source/chart.md
find $FOLDER/source -name '*.md' -exec sed -E -i \
    -e 's#\]\((\.\./)?infra/(compose|chart)/README\.md#](\2.md#g' \
    -e 's#\]\((\.\./)?README\.md#](index.md#g' \
    -e 's#\]\(\.\./(CONTRIBUTING|CHANGELOG)\.md#](\1.md#g' {} +
sed -E -i -e 's#\]\(docs/decisions\)#](decisions/README.md)#g' -e 's#\]\(docs/#](#g' \
    $FOLDER/source/{index,CONTRIBUTING,CHANGELOG}.md
# Who searches wants to do something: why it was done so, and what changed when, come after that.
for page in $FOLDER/source/decisions/0*.md $FOLDER/source/{CHANGELOG,CONTRIBUTING}.md; do
    printf '%s\n' --- 'search: {boost: 0.1}' --- '' | cat - "$page" >"$page.new"
    mv "$page.new" "$page"
done
$MKDOCS build --quiet --clean -f infra/site/mkdocs.yml
printf 'site: %s/html/index.html\n' "$PWD/$FOLDER" >&2

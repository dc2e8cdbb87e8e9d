"""Makes caption_scores.json, what `pycocoevalcap` 1.2 says of captions: run it with that installed.

pip install pycocoevalcap==1.2 --no-deps
python tests/applications/make_caption_scores.py
"""

import contextlib
import io
import json
import random
from pathlib import Path

WHO = ["a man", "two men", "a dog", "the brown dog", "a little girl", "a woman", "three children"]
DOES = ["runs", "is running", "jumps", "sits", "is sitting down", "plays with a ball", "looks up"]
WHERE = ["on the grass", "in a park", "by the sea", "over a fence", "in front of a red car", ""]


def corpus(pictures: int, seed: int) -> tuple[list[str], list[list[str]]]:
    """Captions with one to five references each, alike in some of their words."""
    chance = random.Random(seed)

    def sentence(*fixed: str | None) -> str:
        parts = zip(fixed, (WHO, DOES, WHERE), strict=True)
        return " ".join(part or chance.choice(kind) for part, kind in parts).strip()

    found, references = [], []
    for _ in range(pictures):
        who, where = chance.choice(WHO), chance.choice(WHERE)
        references.append(
            [
                sentence(chance.choice([who, None]), None, chance.choice([where, None]))
                for _ in range(chance.randint(1, 5))
            ]
        )
        found.append(sentence(chance.choice([who, None]), None, chance.choice([where, None])))
    return found, references


def main() -> None:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    cases = [corpus(pictures, seed) for pictures, seed in ((2, 0), (12, 1), (40, 2))]
    found, references = corpus(6, 3)
    # A single word, none in common, one again and again, and a caption that is a reference.
    found[:4] = ["dog", "nothing of the kind", "a a a a a dog dog", references[3][0]]
    cases.append((found, references))
    kept = []
    for found, references in cases:
        one_each = {number: [text] for number, text in enumerate(found)}
        several = dict(enumerate(references))
        with contextlib.redirect_stdout(io.StringIO()):
            bleu, _ = Bleu(4).compute_score(several, one_each)
            cider, _ = Cider().compute_score(several, one_each)
            rouge, _ = Rouge().compute_score(several, one_each)
        values = {f"bleu{order}": 100 * value for order, value in enumerate(bleu, start=1)}
        values |= {"cider": float(cider), "rouge_l": 100 * float(rouge)}
        kept.append({"hypotheses": found, "references": references, "values": values})
    text = json.dumps(kept, indent=1)
    Path(__file__).with_name("caption_scores.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Which penalty does the evidence choose? Smith & Le's figures 1 and 2, from training examples alone.

Logistic regression with 200 weights fits 200 labels without error, be they random or not, when its penalty λ is weak.
Training cross-entropy cannot tell the two apart. The log evidence ratio E can: with random labels it is positive, as
the null model is better; with informative ones it is negative at suitable λ, and least about where the cross-entropy
of test examples is least, although it has not seen them. "next order" is by how much Laplace's method is off, as far as
its expansion can say: where it is large, E is not to be taken by the nat.

    python examples/evidence.py [picture.png]
"""

import sys
from pathlib import Path

import sgdsde as sg
from sgdsde.plotting import accuracy_chart, evidence_chart, png


def main(picture: Path) -> None:
    studies = {}
    for labels in ("random", "informative"):
        task = sg.data.gaussian_task(labels, seed=0)
        study = sg.evidence_study(task.x_train, task.y_train, test=(task.x_test, task.y_test))
        print(f"{labels.capitalize()} labels\n{study}\n")
        studies[f"{labels} labels"] = study

    picture.write_bytes(png(evidence_chart(studies), dpi=110))
    print(f"Picture: {picture}")
    accuracy = picture.with_name(f"{picture.stem}_accuracy{picture.suffix}")
    accuracy.write_bytes(png(accuracy_chart(studies), dpi=110))
    print(f"Picture: {accuracy}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("evidence.png"))

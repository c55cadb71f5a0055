"""What a run says: twelve questions, each answered by a rule, with the number behind the answer.

Answers are computed from what a run folder holds; no network is asked and no image is looked at.
"""

from loupe.questions.answer import Answer as Answer
from loupe.questions.answer import Verdict as Verdict
from loupe.questions.asking import answer_questions as answer_questions
from loupe.questions.asking import gather_evidence as gather_evidence
from loupe.questions.evidence import Evidence as Evidence

"""
The one door for money: budget, permit, intent, call, settle, in this order and nowhere else.

`door` makes one paid request, `meaning` says what became of it, `buyer` does what has to follow, `budget`
says how much may be spent, `pricing` what it costs, `claim` whether it is ours to buy.

Rule of the room: what calls Vision is handed in as a function; no other room holds that function.
"""

from ingestor.purchases.budget import Budget, DoubtAllowance
from ingestor.purchases.buyer import Buyer
from ingestor.purchases.claim import Claim
from ingestor.purchases.door import AskVision, Door

__all__ = ["AskVision", "Budget", "Buyer", "Claim", "Door", "DoubtAllowance"]

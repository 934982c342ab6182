"""How staff come to their accounts: invitations, password rules, resets by superiors."""

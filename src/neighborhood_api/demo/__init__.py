"""The demonstration district: invented people on a real place, off unless asked for."""

"""What each dashboard shows; `all` names them."""

package claude

// act is the number of the open act, 0 if none is open.
func (a *Agent) act() int {
	_, n := a.phase()
	return n
}

// phase returns the tools of the open act's phase, and the act's number; 0: none is open.
func (a *Agent) phase() ([]string, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open {
		return nil, 0
	}
	return a.tools, a.acts
}

func (a *Agent) openPhase(tools []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tools, a.open, a.acts = tools, true, a.acts+1
}

// spent closes the open act for tools.
func (a *Agent) spent() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = false
}

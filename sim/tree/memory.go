package tree

import (
	"fmt"
	"slices"
	"sync"
)

// Memory is [Blobs] in memory. Nothing is ever removed from it.
type Memory struct {
	mu   sync.RWMutex
	data map[Hash][]byte // guarded by mu; values never change
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{data: map[Hash][]byte{}} }

// Put stores a copy of data. It never fails.
func (m *Memory) Put(data []byte) (Hash, error) {
	h := HashOf(data)
	m.mu.RLock()
	_, ok := m.data[h]
	m.mu.RUnlock()
	if ok {
		return h, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[h] = slices.Clone(data)
	return h, nil
}

// Get returns the bytes of h; a [*MissingBlobError] if they were never put.
func (m *Memory) Get(h Hash) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	data, ok := m.data[h]
	if !ok {
		return nil, &MissingBlobError{Hash: h}
	}
	return data, nil
}

// MissingBlobError says that a store does not hold a content that a tree names.
type MissingBlobError struct{ Hash Hash }

// Error names the hash and the remedy.
func (e *MissingBlobError) Error() string {
	return fmt.Sprintf("blob %s is not in the store: put a file's bytes before its entry is used", e.Hash)
}

import { defineStore } from 'pinia'

interface Position { seq: number, offset: number }

/** Where each conversation was left; forgotten when that was its end. */
export const usePositions = defineStore('positions', () => {
  const kept = new Map<string, Position>()
  return {
    of: (id: string) => kept.get(id),
    keep: (id: string, position: Position) => void kept.set(id, position),
    forget: (id: string) => void kept.delete(id),
  }
})

import type { RemovableRef, StorageLike, UseStorageOptions } from '@vueuse/core'
import { useStorage } from '@vueuse/core'

/** A browser may forbid storage, and then even naming it throws: what is kept lives as long as the page. */
function storageOfBrowser(): StorageLike {
  try {
    return window.localStorage
  }
  catch {
    const kept = new Map<string, string>()
    return {
      getItem: key => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: key => void kept.delete(key),
    }
  }
}

const storage = storageOfBrowser()

/** A value that this browser keeps, the same in all its tabs. */
export function useKept<T>(key: string, initial: T, options: UseStorageOptions<T> = {}): RemovableRef<T> {
  return useStorage(key, initial, storage, options)
}

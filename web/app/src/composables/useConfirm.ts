import { shallowRef } from 'vue'

interface Question { title: string, text: string, act: string, answer: (yes: boolean) => void }

const question = shallowRef<Question>()

/** `if (await ask({…}))`: the answer of a dialog. */
export function useConfirm() {
  function ask(asked: Omit<Question, 'answer'>): Promise<boolean> {
    question.value?.answer(false)
    return new Promise((resolve) => {
      question.value = { ...asked, answer: resolve }
    })
  }

  function answer(yes: boolean): void {
    question.value?.answer(yes)
    question.value = undefined
  }

  return { question, ask, answer }
}

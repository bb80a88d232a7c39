import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './i18n'
import { router } from './router'
import { registerServiceWorker } from './service_worker'
import '@fontsource-variable/inter/wght.css'
import './styles/tokens.css'
import './styles/base.css'
import 'virtual:uno.css'

// A tab from before an update asks for files that are gone: it starts anew with the new ones.
window.addEventListener('vite:preloadError', () => location.reload())

createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
registerServiceWorker()

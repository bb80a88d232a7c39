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

createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
registerServiceWorker()
